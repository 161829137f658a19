#!/bin/sh
# Proves that requirements.txt has a solution for a JetPack 6 board (aarch64, Python 3.10, wheels only) under
# constraints/jetpack6.txt, without torch and torchvision, which the board brings.
mkdir -p .setup
if .venv/bin/uv pip compile --quiet --no-python-downloads \
    --python-version 3.10 --python-platform aarch64-manylinux_2_28 --only-binary :all: \
    --constraints constraints/jetpack6.txt --excludes constraints/board-provided.txt \
    requirements.txt >.setup/jetpack6-aarch64.txt 2>.setup/jetpack6-aarch64.log; then
    if grep -E '^(torch|torchvision|nvidia-cu[a-z]*)[=-]' .setup/jetpack6-aarch64.txt; then
        echo "constraints/jetpack6.txt lets a torch of PyPI onto the board (the lines above)." >&2
        exit 1
    fi
    echo "constraints/jetpack6.txt: $(grep -c == .setup/jetpack6-aarch64.txt) packages resolve for aarch64, Python 3.10."
elif grep -qE 'dns error|client error \(Connect\)|Failed to fetch|timed out' .setup/jetpack6-aarch64.log; then
    echo "constraints/jetpack6.txt cannot be proven: the package index cannot be reached (.setup/jetpack6-aarch64.log)." >&2
    exit 1
else
    cat .setup/jetpack6-aarch64.log >&2
    echo "constraints/jetpack6.txt does not resolve for aarch64, Python 3.10: reason above." >&2
    exit 1
fi
