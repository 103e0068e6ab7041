"""Ways to get from a problem to an answer, over any LangChain chat model."""
