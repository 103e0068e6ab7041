"""`agentkit.settings`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agentkit.errors import SettingsError
from agentkit.settings import AnswerSettings, Settings, load_settings
from agentkit.workspace.files import WORKSPACE_FILES

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    for name in ("AGENTKIT_ANSWER__PASSAGES", "AGENTKIT_MODELS__CHAT", "AGENTKIT_MODELS__DIRECTORY"):
        monkeypatch.delenv(name, raising=False)

    def write_file(text: str) -> Path:
        path = tmp_path / "agentkit.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def problem(path: Path | None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_a_file_the_defaults_hold() -> None:
    assert load_settings() == Settings()


def test_the_file_that_init_writes_holds_the_defaults(write: Write) -> None:
    assert load_settings(write(WORKSPACE_FILES["agentkit.toml"])) == Settings()


def test_every_line_that_init_offers_is_accepted_when_it_is_uncommented(write: Write) -> None:
    lines = WORKSPACE_FILES["agentkit.toml"].splitlines()
    offered = [line.removeprefix("# ") if line.startswith("# ") and " = " in line else line for line in lines]
    settings = load_settings(write("\n".join(offered)))
    defaults = Settings()
    answer = settings.answer.model_copy(update={"seed": None})  # no line can say that a new one is drawn each time
    assert (settings.chunks, settings.index, answer) == (defaults.chunks, defaults.index, defaults.answer)
    assert settings.tools == defaults.tools
    assert (settings.models.chat, settings.models.embedder) == (defaults.models.chat, defaults.models.embedder)
    assert settings.models.threads == 4


def test_a_value_of_the_file_wins_over_the_default(write: Write) -> None:
    assert load_settings(write("[answer]\npassages = 9\n")).answer.passages == 9


def test_a_variable_wins_over_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_ANSWER__PASSAGES", "3")
    settings = load_settings(write("[answer]\npassages = 9\nmax_tokens = 100\n"))
    assert (settings.answer.passages, settings.answer.max_tokens) == (3, 100)


def test_a_section_that_is_none_is_an_error_whatever_the_variables_are(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTKIT_ANSWER__PASSAGES", "3")
    path = write("# mine\nanswer = 3\n")
    assert problem(path) == f"{path}, line 2: answer is a section: write [answer], and its keys below (it is 3)"


def test_what_a_program_gives_wins_over_a_variable_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_ANSWER__PASSAGES", "3")
    monkeypatch.setenv("AGENTKIT_ANSWER__SEED", "4")
    answer = Settings(answer=AnswerSettings(passages=9, max_tokens=100)).answer
    assert (answer.passages, answer.max_tokens, answer.seed) == (9, 100, 4)
    assert answer.model_fields_set == {"passages", "max_tokens", "seed"}


def test_a_list_in_a_variable_wins_over_that_of_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_MODELS__TENSOR_SPLIT", "[3, 1]")
    assert load_settings(write("[models]\ntensor_split = [1]\n")).models.tensor_split == (3.0, 1.0)


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_key(write: Write) -> None:
    path = write('# comment\n[models]\nchatt = "x"\n')
    assert problem(path) == f"{path}, line 3: unknown key 'models.chatt': did you mean 'models.chat'?"


def test_an_unknown_section_is_named_with_the_nearest_section(write: Write) -> None:
    message = problem(write("[chunk]\nmax_chars = 500\n"))
    assert "line 1" in message
    assert "did you mean 'chunks'?" in message


def test_a_key_outside_its_section_is_sent_to_it(write: Write) -> None:
    assert "did you mean 'answer.passages'?" in problem(write("passages = 3\n"))


def test_a_key_that_resembles_none_gets_the_list(write: Write) -> None:
    assert "known are passages, max_tokens, temperature" in problem(write("[answer]\nxyzzy = 1\n"))


def test_a_dotted_key_is_found_too(write: Write) -> None:
    assert ", line 2: unknown key 'models.chta'" in problem(write('\nmodels.chta = "x"\n'))


def test_all_problems_of_a_file_are_reported_at_once(write: Write) -> None:
    message = problem(write("[answer]\npassages = 0\nsize = 1\n[models]\nthreads = 513\n"))
    assert all(part in message for part in ("line 2: answer.passages", "line 3: unknown key", "line 5: models.threads"))


def test_a_value_out_of_range_is_shown(write: Write) -> None:
    assert "answer.passages: input should be greater than or equal to 1 (it is 0)" in problem(
        write("[answer]\npassages = 0\n")
    )


def test_an_overlap_longer_than_half_a_chunk_is_refused(write: Write) -> None:
    assert "must be at most half of max_chars" in problem(write("[chunks]\noverlap_chars = 900\n"))


def test_a_file_that_is_no_toml_says_where(write: Write) -> None:
    message = problem(write("[models\n"))
    assert "is not valid TOML" in message
    assert "line 1" in message


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000])
def test_a_value_that_cannot_be_parsed_is_no_toml(write: Write, value: str) -> None:
    assert "is not valid TOML" in problem(write(f"[answer]\nseed = {value}\n"))


def test_a_file_that_is_no_utf8_says_so(write: Write, tmp_path: Path) -> None:
    (tmp_path / "agentkit.toml").write_bytes(b'[models]\nchat = "\xff"\n')
    assert "not UTF-8" in problem(tmp_path / "agentkit.toml")


def test_a_mark_at_the_beginning_is_no_part_of_the_file(write: Write) -> None:
    assert load_settings(write("\ufeff[answer]\r\npassages = 9\r\n")).answer.passages == 9


@pytest.mark.parametrize("name", ["AGENTKIT_MODELS_CHAT", "agentkit_models_chat"])
def test_a_variable_with_one_underscore_is_an_error_and_not_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    assert problem(None) == f"{name}: two underscores part a key from its section: AGENTKIT_MODELS__CHAT"


@pytest.mark.parametrize("name", ["AGENTKIT_TEMPERATURE", "agentkit_temperature", "AGENTKIT_TEMPRATURE"])
def test_a_variable_without_its_section_is_an_error_and_not_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert problem(None) == f"{name}: a key goes with its section: did you mean AGENTKIT_ANSWER__TEMPERATURE?"


def test_a_variable_that_names_no_setting_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGENTKIT_DATA_DIR", "AGENTKIT_OCR_LANGUAGES", "AGENTKIT_SEARCH_ENGINE"):
        monkeypatch.setenv(name, "x")
    assert load_settings() == Settings()


def test_a_misspelt_variable_is_an_error_and_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_MODELZ__CHAT", "x")
    message = problem(None)
    assert "AGENTKIT_MODELZ__CHAT" in message
    assert "did you mean 'models'?" in message


def test_a_misspelt_key_in_a_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_ANSWER__PASAGES", "3")
    message = problem(None)
    assert "AGENTKIT_ANSWER__PASAGES: unknown key" in message
    assert "did you mean 'answer.passages'?" in message


def test_a_variable_with_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTKIT_ANSWER__PASSAGES", "many")
    assert problem(None).startswith("AGENTKIT_ANSWER__PASSAGES: answer.passages: ")


@pytest.mark.parametrize("value", ["junk", "5", '{"passages": 4}'])
def test_a_whole_section_in_a_variable_is_refused_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AGENTKIT_ANSWER", value)
    assert problem(None) == "AGENTKIT_ANSWER: one variable holds one key: write AGENTKIT_ANSWER__PASSAGES=… and so on"


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("AGENTKIT_ANSWER__PASSAGES__X", "4", "answer.passages"),
        ("AGENTKIT_MODELS__TENSOR_SPLIT", '["x"]', "models.tensor_split.0"),
        ("AGENTKIT_CHUNKS__OVERLAP_CHARS", "900", "chunks"),
    ],
)
def test_the_variable_is_blamed_and_not_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, value: str, key: str
) -> None:
    monkeypatch.setenv(name, value)
    assert problem(write("[answer]\npassages = 9\n")).startswith(f"{name}: {key}: ")


@pytest.mark.parametrize(
    "line", ["[answer]\npassages = true", "[answer]\ntemperature = false", "[models]\nthreads = true"]
)
def test_true_and_false_are_no_numbers(write: Write, line: str) -> None:
    path = write(line)
    assert problem(path).startswith(f"{path}, line 2: ")
    assert "write a number, not true or false" in problem(path)


def test_a_part_of_a_list_is_found_in_the_file(write: Write) -> None:
    path = write("[models]\ntensor_split = [true, 1]\n")
    assert problem(path) == f"{path}, line 2: models.tensor_split.0: write a number, not true or false (it is True)"


def test_a_relative_models_directory_is_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    assert load_settings(write('[models]\ndirectory = "weights"\n')).models.directory == tmp_path / "weights"


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ('search = "google"', "write off, ddgs, or the address of a SearXNG server"),
        ('search = "http://"', "write off, ddgs"),
        ('wikipedia = "English"', "write off, a language such as en"),
    ],
)
def test_a_tool_that_is_turned_on_wrongly_says_what_to_write(write: Write, line: str, advice: str) -> None:
    message = problem(write(f"[tools]\n{line}\n"))
    assert "line 2: tools." in message
    assert advice in message


def test_tools_that_send_something_out_are_off_by_default() -> None:
    assert (Settings().tools.search, Settings().tools.wikipedia) == ("off", "off")


def test_a_relative_zim_file_is_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    assert load_settings(write('[tools]\nwikipedia = "w.zim"\n')).tools.wikipedia == str(tmp_path / "w.zim")


def test_a_relative_model_or_reranker_is_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    text = '[models]\nchat = "m/s.gguf"\nembedder = "./emb"\n[search]\nreranker = "ranker"\n'
    settings = load_settings(write(text))
    places = (settings.models.chat, settings.models.embedder, settings.search.reranker)
    assert [Path(place) for place in places] == [tmp_path / "m" / "s.gguf", tmp_path / "emb", tmp_path / "ranker"]


@pytest.mark.parametrize(
    "name", ["smollm2-135m", "hf:owner/repo:file.gguf", "openai:owner/name", "/a/b.gguf", "~/b.gguf"]
)
def test_what_is_no_relative_path_of_a_model_stays_as_it_is(write: Write, name: str) -> None:
    settings = load_settings(write(f'[models]\nchat = "{name}"\n[search]\nreranker = "model"\n'))
    assert (settings.models.chat, settings.search.reranker) == (name, "model")


def test_a_models_path_of_a_variable_is_relative_to_the_current_folder(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTKIT_MODELS__CHAT", "s.gguf")
    monkeypatch.chdir(tmp_path)
    assert load_settings(write('[models]\nchat = "m/s.gguf"\n')).models.chat == str(tmp_path / "s.gguf")


def test_a_home_folder_of_nobody_is_a_folder_that_is_called_so(write: Write, tmp_path: Path) -> None:
    assert load_settings(write('[models]\njudge = "~nobody-at-all/m"\n')).models.judge == tmp_path / "~nobody-at-all/m"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().answer.passages = 3  # type: ignore[misc]  # that mypy sees it too is the point
