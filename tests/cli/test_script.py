"""The shell script `./jklg`: sets itself up once, wherever it is called from, however often at once, and after Ctrl-C.

The checkouts here need no packages, so nothing is fetched from anywhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small house with the real script, in a path with a space."""
    here = tmp_path / "a house"
    (here / "src" / "jklg").mkdir(parents=True)
    (here / "src" / "jklg" / "__init__.py").touch()
    (here / "src" / "jklg" / "__main__.py").write_text("import sys\nprint('jklg', *sys.argv[1:])\n")
    (here / "requirements.lock").write_text("# nothing is needed\n")
    shutil.copy(ROOT / "jklg", here / "jklg")
    return here


def call(script: Path, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.Popen(
        [script, *arguments],
        cwd=cwd or script.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs the tests may ignore Ctrl-C
        text=True,
        start_new_session=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def test_the_first_call_sets_up_and_later_ones_do_not(checkout: Path) -> None:
    first = call(checkout / "jklg", "news", "two words")
    out, err = first.communicate(timeout=120)
    assert (first.returncode, out) == (0, "jklg news two words\n"), err
    assert "installing about 0 packages" in err
    again = call(checkout / "jklg", "news")
    assert again.communicate(timeout=30) == ("jklg news\n", "")
    (checkout / "requirements.lock").write_text("# nothing is needed, in other words\n")
    _, err = call(checkout / "jklg", "news").communicate(timeout=120)
    assert "installing" in err


def test_it_finds_its_house_through_a_link_from_another_directory(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "jklg").symlink_to(checkout / "jklg")
    assert output(call(tmp_path / "bin" / "jklg", "routes", cwd=tmp_path)) == "jklg routes\n"


def test_three_first_calls_at_once_make_one_environment(checkout: Path) -> None:
    calls = [call(checkout / "jklg", "up") for _ in range(3)]
    finished = [each.communicate(timeout=120) for each in calls]
    assert [out for out, _ in finished] == ["jklg up\n"] * 3
    assert sum("creating the virtual environment" in err for _, err in finished) == 1


def test_ctrl_c_while_it_sets_up_is_made_good_by_the_next_call(checkout: Path) -> None:
    first = call(checkout / "jklg", "up")
    assert first.stderr is not None
    assert "creating" in first.stderr.readline()
    time.sleep(0.3)
    os.killpg(first.pid, signal.SIGINT)
    _, err = first.communicate(timeout=30)
    assert first.returncode != 0
    assert "Traceback" not in err
    assert output(call(checkout / "jklg", "up")) == "jklg up\n"


def test_an_environment_whose_python_has_gone_is_made_anew(checkout: Path) -> None:
    output(call(checkout / "jklg", "up"))
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    assert output(call(checkout / "jklg", "up")) == "jklg up\n"


def test_the_lock_files_name_no_address_and_hash_everything() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "/" not in text.replace("\\\n", "")
        entries = [entry for entry in text.replace("\\\n", "").splitlines() if entry and not entry.startswith("#")]
        assert len(entries) > 50
        assert all("--hash=sha256:" in entry for entry in entries)


def test_the_tests_run_on_the_very_versions_that_are_installed_for_users() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line and not line.startswith(" ")}

    assert pins("requirements.lock") <= pins("requirements-test.lock")
