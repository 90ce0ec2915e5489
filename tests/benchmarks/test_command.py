"""What a person who asks for help is told."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import main


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the loads' libraries
def test_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/bench", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "10% of the work" in capsys.readouterr().out
