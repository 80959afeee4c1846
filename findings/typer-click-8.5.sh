#!/bin/sh
# Old typers install with a current click, and then command lines do what nobody asked for, with exit code 0.
#
# Seen with click 8.5.1, Python 3.11. typer asks for click >= 8.0 without an upper limit.
#   typer 0.12.4: a flag with a callback counts as given when it is not: every command prints the version, and ends with 0.
#   typer 0.16.0: a required option that is not given is None, and the command runs with it.
#   typer 0.19.0: both as they should be.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
python="$folder/venv/bin/python"
cat > "$folder/tool.py" <<'TOOL'
import typer

app = typer.Typer()


def show_version(wanted: bool) -> None:
    if wanted:
        print("version 1")
        raise typer.Exit


@app.callback()
def options(version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True)) -> None:
    pass


@app.command()
def work(out: str = typer.Option(...)) -> None:
    print("works to", out)


app()
TOOL
try() {
    "$python" -m pip install --quiet "typer==$1" "click==8.5.1" "rich==13.7.0"
    code=0
    said=$("$python" "$folder/tool.py" work 2>/dev/null) || code=$?
    echo "typer $1: exit code $code, said: ${said:-nothing}"
    [ "$said" = "$2" ] && [ "$code" = "$3" ] || { echo "this has changed"; exit 1; }
}
try 0.12.4 "version 1" 0
try 0.16.0 "works to None" 0
try 0.19.0 "" 2
