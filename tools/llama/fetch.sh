#!/bin/sh
# Puts llama.cpp where the build and the engine look for it: fetch.sh [DESTDIR], default build/llama
#
#   DESTDIR/lib       libllama, libggml, one CPU backend per kind of processor; libllama-common for server.sh
#   DESTDIR/include   the headers of exactly that release, and llama_release.h that names it
#
# Both come from npm tarballs pinned in tools/npm-tarballs.json. DESTDIR carries the key of what it holds: with the same
# pins a second call does nothing, and every preset shares one directory.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
dest=${1:-$root/build/llama}
case $dest in /*) ;; *) dest=$(pwd)/$dest ;; esac

die() {
  echo "llama: $*" >&2
  exit 1
}

machine=${COCOON_MACHINE:-$(uname -m)}
case $machine in
  x86_64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) die "no llama.cpp build for $machine; x86_64 and aarch64 are known" ;;
esac
for tool in node npm git tar flock; do
  command -v "$tool" > /dev/null || die "$tool is missing; install it (Debian: nodejs npm git tar util-linux)"
done

key=$(cat "$root/tools/npm-tarballs.json" "$here/fetch.sh" | node -e '
  const all = require("node:fs").readFileSync(0);
  const text = all.toString();
  const pins = JSON.parse(text.slice(0, text.indexOf("#!/bin/sh"))).filter((e) => e.name.includes("node-llama-cpp"));
  const script = text.slice(text.indexOf("#!/bin/sh"));
  const hash = require("node:crypto").createHash("sha256");
  hash.update(JSON.stringify(pins.map((e) => [e.name, e.version, e.integrity])) + script + process.argv[1]);
  console.log(hash.digest("hex"));' "$arch")
[ "$(cat "$dest/.key" 2> /dev/null || true)" = "$key" ] && exit 0

mkdir -p "$(dirname "$dest")"
# Two presets configured at once would otherwise build the same directory twice.
exec 9> "$dest.lock"
flock 9
[ "$(cat "$dest/.key" 2> /dev/null || true)" = "$key" ] && exit 0

work=$(mktemp -d "$dest.new-XXXXXX")
trap 'rm -rf "$work"' EXIT
node "$root/tools/npm-fetch.mjs" "@node-llama-cpp/linux-$arch" "$work/libraries" "bins/linux-$arch" LICENSE
node "$root/tools/npm-fetch.mjs" node-llama-cpp "$work/sources" llama/gitRelease.bundle llama/binariesGithubRelease.json

mkdir -p "$work/out/lib" "$work/out/include"
cp "$work/libraries/bins/linux-$arch/"*.so "$work/out/lib/"
cp "$work/libraries/LICENSE" "$work/out/LICENSE"

git clone --quiet --bare "$work/sources/llama/gitRelease.bundle" "$work/git" 2> "$work/git.log" ||
  die "cannot read the source bundle: $(tail -n 1 "$work/git.log")"
git -C "$work/git" show HEAD:include/llama.h > "$work/out/include/llama.h"
for header in ggml ggml-alloc ggml-backend ggml-cpu ggml-opt gguf; do
  git -C "$work/git" show "HEAD:ggml/include/$header.h" > "$work/out/include/$header.h"
done

release=$(node -p 'JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).release' \
  "$work/sources/llama/binariesGithubRelease.json")
[ -f "$work/out/lib/libllama.$release.so" ] || die "headers are of $release, but there is no libllama.$release.so"
cat > "$work/out/include/llama_release.h" << EOF
// The release whose headers these are; the libraries carry it in their file names.
#define COCOON_LLAMA_RELEASE "$release"
EOF

echo "$key" > "$work/out/.key"
rm -rf "$dest"
mv "$work/out" "$dest"
echo "llama: llama.cpp $release for $arch -> ${dest#"$root"/}"
