#!/bin/sh
# Measures segc beside pandas and polars; see benches/README.md. Options go to benches/peers.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/python.sh"
exec "$venv/bin/python" "$here/peers.py" "$@"
