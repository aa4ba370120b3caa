#!/bin/sh
# Builds the llama-server of the pinned llama.cpp for the tests: server.sh, into build/llama-server. Its sources come from
# the same tarball as the headers of our engine, and it links the same libraries (fetch.sh). With the same pins a second
# call does nothing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
libraries=$root/build/llama
dest=$root/build/llama-server

sh "$here/fetch.sh" "$libraries"
mkdir -p "$dest"
exec 9> "$dest/lock"
flock 9
key=$(cat "$libraries/.key" "$here/server.sh" "$here/server/CMakeLists.txt" | sha256sum)
[ "$(cat "$dest/.key" 2> /dev/null || true)" = "$key" ] && exit 0

rm -rf "$dest/src" "$dest/git" "$dest/build"
node "$root/tools/npm-fetch.mjs" node-llama-cpp "$dest/sources" llama/gitRelease.bundle
git clone --quiet --bare "$dest/sources/llama/gitRelease.bundle" "$dest/git"
mkdir "$dest/src"
git -C "$dest/git" archive HEAD include src ggml/include common vendor tools/server tools/mtmd tools/ui |
  tar -x -C "$dest/src"
rm -rf "$dest/sources" "$dest/git"

launcher=
if command -v ccache > /dev/null; then launcher="cmake;-E;env;CCACHE_BASEDIR=$dest;CCACHE_NOHASHDIR=1;ccache"; fi
cmake -S "$here/server" -B "$dest/build" -G Ninja -DSOURCES="$dest/src" -DLIBRARIES="$libraries/lib" \
  -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"
ninja -C "$dest/build" ${JOBS:+-j "$JOBS"}
mv "$dest/build/llama-server" "$dest/llama-server"
rm -rf "$dest/src" "$dest/build"
echo "$key" > "$dest/.key"
