"""Cross-encoders of the user's: tiny ones, made here with the weights that the test needs."""

from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import ModelLoadError
from agentkit.reading.entailment import CrossEncoderJudge
from agentkit.reading.grounding import check_answer
from agentkit.results import Verdict
from agentkit.retrievers import CrossEncoderReranker

pytestmark = pytest.mark.model


def _cross_encoder(folder: Path, labels: list[str], bias: list[float]) -> Path:
    """A BERT of one layer whose head looks at nothing but its bias."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    vocabulary = {word: at for at, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "brida", "green"])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        num_labels=len(labels), id2label=dict(enumerate(labels)), label2id={name: at for at, name in enumerate(labels)},
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor(bias))
    model.save_pretrained(folder, safe_serialization=True)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("bias", "verdict"),
    [
        ([0.0, 3.0, 0.0], Verdict.SUPPORTED),
        ([3.0, 0.0, 0.0], Verdict.CONTRADICTED),
        ([0.0, 0.0, 3.0], Verdict.NOT_FOUND),
    ],
)
def test_an_nli_model_judges_by_the_names_of_its_labels(tmp_path: Path, bias: list[float], verdict: Verdict) -> None:
    judge = CrossEncoderJudge(_cross_encoder(tmp_path / "nli", ["contradiction", "entailment", "neutral"], bias))
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("Brida is green and was built in 1979.")
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [folder])
        (claim,) = check_answer("Brida is green.", index.as_retriever(), None, judge=judge).claims
        assert claim.verdict is verdict
        (wrong,) = check_answer("Brida was built in 1980.", index.as_retriever(), None, judge=judge).claims
    assert wrong.verdict is not Verdict.SUPPORTED
    assert wrong.missing == ("1980",)


def test_a_reranker_gives_a_score_a_pair(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(_cross_encoder(tmp_path / "one", ["LABEL_0"], [1.5]))
    assert reranker.scores("q", ["a", "b"]) == [1.5, 1.5]
    assert reranker.scores("q", []) == []


def test_a_model_of_another_kind_is_refused_by_its_labels(tmp_path: Path) -> None:
    one = _cross_encoder(tmp_path / "one", ["LABEL_0"], [0.0])
    three = _cross_encoder(tmp_path / "three", ["contradiction", "entailment", "neutral"], [0.0] * 3)
    with pytest.raises(ModelLoadError, match="LABEL_0: to judge statements it must tell entailment"):
        CrossEncoderJudge(one)
    with pytest.raises(ModelLoadError, match="one score a pair"):
        CrossEncoderReranker(three)
    with pytest.raises(ModelLoadError, match=r"no model.safetensors"):
        CrossEncoderJudge(tmp_path)
