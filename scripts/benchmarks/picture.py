"""The plot: drawn by a script in an environment of its own, so that nobody else needs matplotlib."""

import subprocess
import sys
from pathlib import Path

import msgspec

from scripts.benchmarks import venvs
from scripts.benchmarks.report import Result

SCRIPT = Path(__file__).with_name("plot.py")


def draw(result: Result, target: Path) -> bool:
    """Draw a result as PNG; say on stderr what went wrong, and return whether it went well."""
    try:
        python = venvs.python_of("plot")
    except venvs.CannotError as error:
        print(f"bench: no plot: {error}", file=sys.stderr)
        return False
    command = [str(python), str(SCRIPT), str(target)]
    done = subprocess.run(command, input=msgspec.json.encode(result), capture_output=True, check=False)
    if done.returncode:
        print(f"bench: no plot: {done.stderr.decode()[-600:]}", file=sys.stderr)
    return done.returncode == 0
