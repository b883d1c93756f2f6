"""`make reference`: write every page that is not what the code says now, and remove what is no page."""

import sys

from scripts.reference.pages import FOLDER, pages


def main() -> None:
    """Write, and name what was written or removed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        file = FOLDER / name
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote docs/reference/{name}\n")
    for file in FOLDER.iterdir():
        if file.name not in made:
            file.unlink()
            sys.stdout.write(f"removed docs/reference/{file.name}\n")


if __name__ == "__main__":
    main()
