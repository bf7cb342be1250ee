"""Reading the real Gemma 3 GGUF's header: ours beside the gguf package's GGUFReader."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cases import gemma

OURS = "from engine.targets.gguf_header import *; from engine.targets.source import FileSource\nread = lambda p: read_vocabulary(read_gguf(FileSource(p)))"
THEIRS = "from gguf import GGUFReader\nread = lambda p: [f.contents() for n, f in GGUFReader(p).fields.items() if n == 'tokenizer.ggml.tokens']"
CHILD = """
import json, sys, time
from memory import peak_megabytes
from pathlib import Path
{reader}
started = time.perf_counter()
kept = read(Path(sys.argv[1]))
print(json.dumps([time.perf_counter() - started, peak_megabytes()]))
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as root:
        path = gemma(Path(root))
        for name, reader in (("ours", OURS), ("GGUFReader", THEIRS)):
            code = CHILD.format(reader=reader)
            runs = [
                json.loads(
                    subprocess.run(
                        [sys.executable, "-c", code, str(path)],
                        check=True,
                        capture_output=True,
                        cwd=Path(__file__).parent,
                    ).stdout
                )
                for _ in range(3)
            ]
            print(f"{name:12} {min(run[0] for run in runs):6.2f} s   {max(run[1] for run in runs):6.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
