#!/usr/bin/env bash
# unit.sh BUILD_FOLDER SOURCE STAMP CLANG_TIDY [OPTION...]
#
# clang-tidy over what SOURCE includes, read as one. Where that does not compile (a name of one file's unnamed
# namespace is another's too), each file alone, which takes longer. Writes STAMP when all is clean, and STAMP.d, the
# files that were read.
set -euo pipefail
folder=$1 unified=$2 stamp=$3
shift 3
clang_tidy=("$@" -quiet -p "$folder" --extra-arg="-Wp,-MD,$stamp.part")
# The analyzer's deep mode would spend most of the time on paths through inlined libraries.
for option in -analyzer-config mode=shallow; do clang_tidy+=(--extra-arg=-Xclang --extra-arg="$option"); done

# tidy SOURCE: adds the files that were read to STAMP.d. How many findings in others' headers were left out is not said.
tidy() {
  local status=0
  "${clang_tidy[@]}" "$1" 2>&1 |
    { grep -vE '^[0-9]+ warnings? (generated|treated as errors?)|^Suppressed [0-9]+ warnings' || true; } || status=$?
  [[ -e $stamp.part ]] || return 2  # clang crashed
  sed "1s|^[^:]*:|$stamp:|" "$stamp.part" >>"$stamp.d"
  rm "$stamp.part"
  return "$status"
}

rm -f "$stamp.d"
findings=$(tidy "$unified") && status=0 || status=$?
if ((status == 2)) || [[ $findings == *"[clang-diagnostic-"* ]]; then
  rm -f "$stamp.d"
  status=0
  while read -r source; do
    tidy "$source" || status=1
  done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$unified")
else
  echo -n "$findings"
fi
((status == 0)) || exit 1
touch "$stamp"
