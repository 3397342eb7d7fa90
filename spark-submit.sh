#!/usr/bin/env bash
# ./spark-submit.sh [spark options] JOB [job options]      run a job
# ./spark-submit.sh --setup                                make the environment only
#
# Finds Python, has lib/setup_environment.py make the environment (once), and hands over to
# lib/penstock/launch.py. The environment is .venv, or the folder that PENSTOCK_ENV names.
set -euo pipefail

script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do  # `readlink -f` is not everywhere
    target=$(readlink "$script")
    [[ $target == /* ]] || target=$(dirname "$script")/$target
    script=$target
done
project=$(cd "$(dirname "$script")" && pwd -P)
environment=${PENSTOCK_ENV:-$project/.venv}
python=$environment/bin/python
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

find_python() {
    local candidate
    for candidate in ${PENSTOCK_PYTHON:+"$PENSTOCK_PYTHON"} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c "$fits" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "penstock: No Python 3.11, 3.12 or 3.13 found (python3 is $(python3 -V 2>&1 || true))." \
        "Install one (Debian and Ubuntu: \`apt install python3 python3-venv\`; macOS: \`brew install" \
        "python@3.12\`), or set PENSTOCK_PYTHON to its path, and call again." >&2
    return 2
}

# -E and -S: the check must not depend on what is, or should be, installed.
set_up() { "$1" -E -S -B "$project/lib/setup_environment.py" "${@:2}" "$environment"; }

if ! set_up "$python" --check 2>/dev/null; then
    base=$(find_python) || exit 2
    set_up "$base"
fi
if [[ ${1:-} == --setup ]]; then
    exit
fi
PYTHONPATH=$project/lib exec "$python" -m penstock.launch "$@"
