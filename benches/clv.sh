#!/bin/sh
# Measures segc's models of customer lifetime value beside lifetimes; see benches/README.md. Options go to benches/clv.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="${XDG_CACHE_HOME:-$HOME/.cache}/segc/venv"

# The environment is made once, and again when the versions change.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

case " $* " in
    *" --segc"* | *" --help "* | *" -h "*) ;;
    *) cargo build --release --manifest-path "$here/../Cargo.toml" ;;
esac
exec "$venv/bin/python" "$here/clv.py" "$@"
