#!/bin/sh
# Prints the path of a Python that works here; says in one line what is missing when there is none.
# Usage: find_python.sh [3.10]   (any of 3.10 to 3.12 where no version is named)
wanted=${1:-}
if [ -n "$wanted" ]; then
    names="python$wanted python3"
elif [ -e /etc/nv_tegra_release ]; then
    names="python3 python3.10 python3.12 python3.11"  # NVIDIA's torch belongs to the board's own python3
else
    names="python3.11 python3.12 python3.10 python3"
fi

# Runs the candidate: version managers leave commands on PATH that do nothing but say "not found".
probe() {
    candidate=$1
    shift
    "$candidate" -c '
import importlib, sys
wanted, modules = sys.argv[1], sys.argv[2:]
version = "%d.%d" % sys.version_info[:2]
if version != wanted if wanted else not (3, 10) <= sys.version_info[:2] <= (3, 12):
    sys.exit(1)
for module in modules:
    importlib.import_module(module)
print(sys.executable)
' "$wanted" "$@" 2>/dev/null
}

# PATH first, then what pyenv has built but not switched on.
folders=$PATH
for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin; do
    folders=$folders:$folder
done

search() {
    IFS=:
    for name in $(echo "$names" | tr ' ' ':'); do
        for folder in $folders; do
            if [ -x "$folder/$name" ] && found=$(probe "$folder/$name" "$@"); then
                echo "$found"
                return 0
            fi
        done
    done
    return 1
}

# One that can make a virtual environment, else any: scripts/setup.py then names the package that is missing.
search venv ensurepip || search || {
    if [ -n "$wanted" ]; then
        echo "Python $wanted is missing: install python$wanted and python$wanted-venv." >&2
    else
        echo "Python 3.10, 3.11 or 3.12 is missing: install python3.11 and python3.11-venv." >&2
    fi
    exit 1
}
