#!/usr/bin/env bash
# program_files.sh FOLDER PROGRAM...: makes FOLDER the root of an image that can run these programs and nothing else:
# they in /usr/bin, their shared libraries and loader where they are here, and the folders that they write to.
set -euo pipefail

folder=$1
shift

install -d "$folder"/{etc,proc,sys,dev,run,tmp,usr/bin,var/lib}
chmod 1777 "$folder/tmp"
for program in "$@"; do
  listing=$(ldd "$program")
  if grep -q 'not found' <<<"$listing"; then
    echo "program_files.sh: $program: libraries are missing here:" >&2
    grep 'not found' <<<"$listing" >&2
    exit 1
  fi
  # What a name stands for, and the loader, which has no "=>".
  while read -r library; do
    [[ -e $folder$library ]] || install -D -m 755 "$library" "$folder$library"
  done < <(awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' <<<"$listing")
  install -m 755 --strip "$program" "$folder/usr/bin/"
done
cat >"$folder/etc/passwd" <<'END'
root:x:0:0:root:/:/nonexistent
leadline:x:65532:65532:leadline:/:/nonexistent
END
cat >"$folder/etc/group" <<'END'
root:x:0:
leadline:x:65532:
END
