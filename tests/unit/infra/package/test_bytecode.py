"""Bytecode that Python uses without a look at the source."""

import marshal
import os
import subprocess
import sys
from pathlib import Path

from infra.package.bytecode import compile_into


def test_python_takes_it_whatever_time_a_zip_says(tmp_path: Path) -> None:
    # GIVEN a compiled module whose source has another time and other content
    (tmp_path / "module.py").write_text("print('compiled')", encoding="utf-8")
    compile_into(tmp_path, "/var/task")
    (tmp_path / "module.py").write_text("print('source')", encoding="utf-8")
    os.utime(tmp_path / "module.py", (315532800, 315532800))
    # WHEN it is imported THEN Python uses the bytecode
    command = [sys.executable, "-B", "-c", "import module"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "compiled\n"


def test_it_names_files_where_they_will_lie_and_is_the_same_from_everywhere(tmp_path: Path) -> None:
    compiled = []
    for name in ("here", "there"):
        folder = tmp_path / name / "sub"
        folder.mkdir(parents=True)
        (folder / "module.py").write_text("def f(): pass", encoding="utf-8")
        compile_into(tmp_path / name, "/var/task")
        (path,) = folder.glob("__pycache__/*.pyc")
        compiled.append(path.read_bytes())
    assert compiled[0] == compiled[1]
    assert marshal.loads(compiled[0][16:]).co_filename == "/var/task/sub/module.py"  # noqa: S302 - just compiled


def test_a_template_that_is_no_python_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "template.py").write_text("def {{ name }}: pass", encoding="utf-8")
    compile_into(tmp_path, "/opt")
    assert [path.name for path in tmp_path.rglob("*.py*")] == ["template.py"]
