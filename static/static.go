// Package static owns the files a browser fetches: our styles and script, the
// vendored ones and the icons. Everything is embedded and served under a name
// that contains its content's hash, so that a browser may keep it for ever.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// Prefix is where Handler expects to be mounted.
const Prefix = "/static/"

//go:embed css js img vendor
var files embed.FS

// asset is one served file.
type asset struct {
	name    string // with the hash: app.0a1b2c3d4e5f.css
	kind    string // its Content-Type
	content []byte
}

// shelf holds the assets by plain name and by hashed name.
type shelf struct{ plain, hashed map[string]asset }

// stock reads the embedded files once. app.css and app.js are put together from
// the small files in css and js, in the order of their names.
var stock = sync.OnceValue(func() shelf {
	s := shelf{plain: map[string]asset{}, hashed: map[string]asset{}}
	s.add("app.css", join("css/*.css"))
	s.add("app.js", join("js/*.js"))
	for _, name := range []string{"vendor/tabler.min.css", "vendor/htmx.min.js", "img/logo.svg"} {
		s.add(path.Base(name), read(name))
	}
	return s
})

func (s shelf) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	a := asset{
		name:    strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		kind:    mime.TypeByExtension(ext),
		content: content,
	}
	s.plain[name], s.hashed[a.name] = a, a
}

func join(pattern string) []byte {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err) // only a malformed pattern
	}
	var all bytes.Buffer
	for _, name := range names {
		all.Write(read(name))
	}
	return all.Bytes()
}

func read(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // embedded at build time
	}
	return content
}

// Path returns the address of a file by its plain name: Path("app.css") is
// "/static/app.<hash>.css". It panics for a name that is not served, because
// that is a mistake in a template and every page would miss the file.
func Path(name string) string {
	a, ok := stock().plain[name]
	if !ok {
		panic("static: no file " + name)
	}
	return Prefix + a.name
}

// Handler serves the files under Prefix. A name with an outdated hash is not
// found: the page that asks for it is outdated too.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := stock().hashed[strings.TrimPrefix(r.URL.Path, Prefix)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.kind)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(a.content))
	})
}
