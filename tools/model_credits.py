#!/usr/bin/env python3
"""Write the credits of a furniture library: every author of a model or texture that generated rooms are built from.

python tools/model_credits.py ASSETS > jspnet_core/models/CREDITS.md

ASSETS holds catalogue.json and textures/catalogue.json (docs/assets.md).
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

Key = tuple[str, str]  # collection, licence


def main() -> None:
    """Print the credits."""
    assets = Path(sys.argv[1])
    models = json.loads((assets / "catalogue.json").read_text())
    textures = json.loads((assets / "textures" / "catalogue.json").read_text())
    print(
        "# Credits of the default model\n\n"
        "The weights of `jspnet_indoor` and `jspnet_research` were trained on rooms furnished with the models\n"
        "and textures below, changed: scaled, simplified, coloured anew. The models themselves are not part of this\n"
        "package. Thanks to all authors."
    )
    for title, entries, collection in (("Models", models, "library"), ("Textures", textures, "source")):
        print(f"\n## {title}\n")
        for (name, licence), authors in sorted(_by_collection(entries, collection).items()):
            listed = ", ".join(f"{author} ({count})" for author, count in sorted(authors.items()))
            print(f"- **{name}**, {licence}: {listed}")


def _by_collection(entries: list[dict], collection: str) -> dict[Key, dict[str, int]]:
    """Number of entries by author, by collection and licence."""
    found: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for entry in entries:
        found[entry[collection], entry["licence"]][entry["author"]] += 1
    return found


if __name__ == "__main__":
    main()
