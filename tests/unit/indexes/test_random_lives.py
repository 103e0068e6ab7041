"""Whatever is done to a folder and its index, the index stays sound and is what a fresh one of the folder is."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit import index_folder
from agentkit.errors import IndexNotFoundError
from tests.unit.indexes.conftest import contents, open_index

_NAMES = st.sampled_from(["a.txt", "b.txt", "sub/c.txt", "sub/d.txt"])
_ACTS = st.one_of(
    st.tuples(st.just("write"), _NAMES, st.sampled_from(["fox", "barley ferry", "stone mill"])),
    st.tuples(st.just("delete"), _NAMES, st.just("")),
    st.tuples(st.just("move"), _NAMES, _NAMES),
    st.tuples(st.just("forget"), st.sampled_from(["a.txt", "sub", "*.txt"]), st.just("")),
    st.tuples(st.just("remember"), st.sampled_from(["a.txt", "sub", "*.txt"]), st.just("")),
    st.tuples(st.sampled_from(["sync", "rebuild"]), st.just(""), st.just("")),
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_ACTS, max_size=8))
def test_any_life_ends_sound_and_as_a_fresh_index(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, str]]
) -> None:
    place = tmp_path_factory.mktemp("life")
    folder = place / "documents"
    (folder / "sub").mkdir(parents=True)
    (folder / "always.md").write_text("always here")
    with open_index(place / "index") as index, open_index(place / "fresh") as fresh:
        index_folder(index, [folder])
        for act, name, more in acts:
            file = folder / name
            if act == "write":
                file.write_text(f"{more} {name}")
            elif act == "delete":
                file.unlink(missing_ok=True)
            elif act == "move" and file.is_file():
                file.rename(folder / more)
            elif act == "rebuild":
                index.rebuild()
            elif act == "sync":
                index_folder(index, [folder])
            elif act in {"forget", "remember"}:
                with suppress(IndexNotFoundError):
                    getattr(index, act)(name)
        index_folder(index, [folder])
        assert index.verify().problems == ()
        index_folder(fresh, [folder])
        for pattern in index.keeper.forgotten():
            with suppress(IndexNotFoundError):
                fresh.forget(pattern)
        assert contents(index) == contents(fresh)
