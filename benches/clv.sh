#!/bin/sh
# Measures segc's models of customer lifetime value beside lifetimes; see benches/README.md. Options go to benches/clv.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/python.sh"
exec "$venv/bin/python" "$here/clv.py" "$@"
