// Cuts a font down to the characters that our PDFs may need: those of GBK, which has the rare
// ones of people's names that GB 2312 lacks (镕, 珺, 玥), Latin letters and signs.
// Called by vendor.sh: node font.mjs FROM.ttf TO.ttf
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const subset = createRequire(process.cwd() + '/')('subset-font')
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join('')
const gbk = new TextDecoder('gbk')

let text = range(0x20, 0x7e) + range(0xa0, 0x17f) + range(0x2010, 0x2027) + range(0x2030, 0x205e) + range(0x20a0, 0x20bf) + range(0x2190, 0x21ff) + '✓✔✗✘'
for (let lead = 0x81; lead <= 0xfe; lead++) {
	for (let trail = 0x40; trail <= 0xfe; trail++) {
		const c = gbk.decode(Uint8Array.of(lead, trail))
		if (c.length === 1 && c !== '\ufffd' && !(c >= '\ue000' && c <= '\uf8ff')) text += c
	}
}
writeFileSync(process.argv[3], await subset(readFileSync(process.argv[2]), text, { targetFormat: 'sfnt' }))
