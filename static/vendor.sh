#!/bin/sh
# Fetches the files of other people that the console serves, in the versions
# pinned here, and writes vendor/VENDOR with one checksum per file. Run it from
# anywhere after changing a version or the list of icons; needs npm and node.
set -eu

tabler=1.6.1 htmx=2.0.11 icons=3.51.0 noto=0.4.3 subset=2.9.0

here=$(cd "$(dirname "$0")" && pwd)
out=$here/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE VERSION FOLDER unpacks a package into $work/FOLDER.
fetch() {
	(cd "$work" && tgz=$(npm pack --silent "$1@$2") && mkdir "$3" && tar xzf "$tgz" -C "$3" --strip-components=1)
}

fetch @tabler/core "$tabler" tabler
fetch htmx.org "$htmx" htmx
fetch @tabler/icons "$icons" icons
fetch @expo-google-fonts/noto-sans-sc "$noto" noto
(cd "$work" && npm install --silent --no-save --prefix "$work" "subset-font@$subset" >/dev/null)

mkdir -p "$out"
# Source maps would be a request to a file that we do not ship.
sed 's|/\*# sourceMappingURL=[^*]*\*/||' "$work/tabler/dist/css/tabler.min.css" >"$out/tabler.min.css"
sed 's|//# sourceMappingURL=.*||' "$work/htmx/dist/htmx.min.js" >"$out/htmx.min.js"
cp "$work/htmx/LICENSE" "$out/htmx.LICENSE"
cp "$work/icons/LICENSE" "$out/icons.LICENSE"
# The font of our PDFs, cut down to what they may need; its name may stay, the licence says so.
(cd "$work" && node "$here/font.mjs" noto/400Regular/NotoSansSC_400Regular.ttf "$out/NotoSansSC.ttf")
cp "$work/noto/LICENSE_FONT" "$out/NotoSansSC.LICENSE"
# The Tabler package names its licence in the banner and carries no file of it;
# the icons come from the same author under the same text.
{
	sed -n 's/^ \* \(Copyright.*\)/\1/p' "$work/tabler/dist/css/tabler.min.css"
	echo
	cat "$work/icons/LICENSE"
} >"$out/tabler.LICENSE"

# icons.txt: one icon per line, its name, a tab, what stands inside its <svg>.
while read -r name; do
	printf '%s\t' "$name"
	sed -e '1,/^>$/d' -e '/<\/svg>/d' -e '/M0 0h24v24H0z/d' "$work/icons/icons/outline/$name.svg" | tr -d '\n' | sed 's/>  *</></g; s/^ *//; s/ *\/>/\/>/g'
	echo
done <"$here/icons.list" >"$out/icons.txt"

cd "$out"
{
	echo "# file  package version  licence  sha256"
	line() { echo "$1  $2  $3  $(sha256sum "$1" | cut -d' ' -f1)"; }
	line tabler.min.css "@tabler/core $tabler" MIT
	line tabler.LICENSE "@tabler/core $tabler" MIT
	line htmx.min.js "htmx.org $htmx" 0BSD
	line htmx.LICENSE "htmx.org $htmx" 0BSD
	line icons.txt "@tabler/icons $icons" MIT
	line icons.LICENSE "@tabler/icons $icons" MIT
	line NotoSansSC.ttf "@expo-google-fonts/noto-sans-sc $noto" OFL-1.1
	line NotoSansSC.LICENSE "@expo-google-fonts/noto-sans-sc $noto" OFL-1.1
} >VENDOR
