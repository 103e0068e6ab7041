"""The files that `agentkit init` writes, by their path in the workspace."""

from agentkit.models.catalog import DEFAULT_CHAT_MODEL, DEFAULT_EMBEDDER

_SETTINGS = f"""\
# Settings of this workspace. Each line shows a default: take the # away to change it.
# An environment variable wins over this file: AGENTKIT_ANSWER__PASSAGES=8

[models]
# chat = "{DEFAULT_CHAT_MODEL}"          # a name of `agentkit models list`, hf:OWNER/REPO:FILE, or a GGUF file
# embedder = "{DEFAULT_EMBEDDER}"        # an index that another made needs: indexes rebuild NAME --reembed
# embedder_precision = "auto"           # bf16, fp16 or fp32: an index finds the same with each
# judge = "/path/to/nli-model"          # an NLI cross-encoder that judges what passages prove, instead of chat
# directory = "/path/to/models"         # by default the user's data folder
# context_tokens = 8192                 # by default what the model and the memory allow
# gpu_layers = 0                        # by default as many as fit; -1 is all
# main_gpu = 0                          # for what is not split between GPUs, in the order of `agentkit doctor`
# tensor_split = [3, 1]                 # shares of several GPUs; by default by their free memory
# flash_attention = true                # by default llama.cpp chooses
# kv_cache_type = "f16"                 # f32, bf16, q8_0 and q4_0 too; the last two need flash attention
# draft_tokens = 8                      # guessed tokens a step; by default only for several replies to one prompt
# threads = 4                           # by default one for each physical core

[chunks]
# max_chars = 1000                      # longest passage; an index follows by: indexes rebuild NAME --rechunk
# overlap_chars = 150                   # how much neighbouring passages share

[index]
# max_file_bytes = 50_000_000           # larger files are skipped

[search]
# queries = "one"                       # several, or hyde: the chat model writes more to search with
# reranker = "off"                      # model (the chat model), or the folder of a cross-encoder
# rerank_budget = 20                    # how many passages the reranker looks at
# relevance_weight = 1.0                # below 1, passages that resemble better ones give way
# per_file = 2                          # most passages of one file; by default any number
# merge_neighbours = false              # true: passages that touch are one longer passage

[answer]
# passages = 6                          # how many passages are read for an answer
# max_tokens = 512                      # longest answer
# temperature = 0.0                     # 0 gives the same answer every time
# seed = 7                              # the same answer every time at any temperature

[tools]
# search = "off"                        # ddgs, or a SearXNG server's address: queries leave this machine
# wikipedia = "off"                     # a language such as "en" (queries leave this machine), or a .zim file
"""

_TOOLS = """\
# Tools of this workspace

Python files in this folder hold tools of your own, which agents can call:

    from agentkit.tools import tool

    @tool
    def weekday(day: str) -> str:
        \"\"\"The weekday of a date.

        Args:
            day: A date such as 2024-02-28.
        \"\"\"
        from datetime import date

        return f"{date.fromisoformat(day):%A}"

A file runs only after you have agreed to its content: `agentkit tools list` shows them, `agentkit tools trust` agrees.
`index`, `search` and `ask` never run them.
"""

_INDEXES = """\
# Indexes of this workspace

One folder for each index, made by `agentkit index PATH`. They can be deleted and made again from the documents:
`agentkit indexes list`, `agentkit indexes remove NAME`. Git ignores them.
"""

_IGNORED = """\
*
!.gitignore
!README.md
"""

WORKSPACE_FILES = {
    "agentkit.toml": _SETTINGS,
    "tools/README.md": _TOOLS,
    "indexes/README.md": _INDEXES,
    "indexes/.gitignore": _IGNORED,
}
"""The settings come first: a folder that holds them is a workspace already and is refused."""
