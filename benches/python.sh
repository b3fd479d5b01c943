# The Python of the benchmarks, for run.sh and clv.sh to source: `here` is this folder, `venv` an environment with the
# versions of requirements.txt; segc is built unless the arguments name a binary.
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
