"""Measuring: retrieval against judged documents, answers against expected ones, and two runs against each other."""

from agentkit.evaluation.answers import AnswerScore, evaluate_answers
from agentkit.evaluation.datasets import JudgedQueries, Question, read_beir, read_questions
from agentkit.evaluation.records import Evaluation
from agentkit.evaluation.retrieval import evaluate_retrieval, index_corpus

__all__ = [
    "AnswerScore",
    "Evaluation",
    "JudgedQueries",
    "Question",
    "evaluate_answers",
    "evaluate_retrieval",
    "index_corpus",
    "read_beir",
    "read_questions",
]
