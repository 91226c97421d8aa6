package aeszip

import (
	"archive/zip"
	"compress/flate"
	"crypto/subtle"
	"fmt"
	"io"
)

// Open gives the plain text of a sealed file of an archive. The whole of it is authenticated before the first
// byte is given, so nothing that somebody else put there is ever decompressed. The faults are ErrOther for a file
// that is not sealed this way, ErrPassword, and ErrChanged.
func Open(f *zip.File, password string) (io.ReadCloser, error) {
	by, err := compressionOf(f)
	if err != nil {
		return nil, err
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	all, ok := raw.(*io.SectionReader)
	if !ok || all.Size() < headSize+macSize {
		return nil, ErrChanged
	}
	body := io.NewSectionReader(all, headSize, all.Size()-headSize-macSize)
	k, err := authentic(all, body, password)
	if err != nil {
		return nil, err
	}
	plain := io.Reader(opener{body, k})
	switch by {
	case zip.Store:
		return io.NopCloser(plain), nil
	case zip.Deflate:
		return flate.NewReader(plain), nil
	}
	return nil, ErrOther
}

// authentic looks whether a body is what was sealed with this password.
func authentic(all, body *io.SectionReader, password string) (*keys, error) {
	var head [headSize]byte
	var code [macSize]byte
	if _, err := all.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	k, err := newKeys(password, head[:saltSize])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(k.check, head[saltSize:]) != 1 {
		return nil, ErrPassword
	}
	if _, err := io.Copy(k.mac, body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if n, err := all.ReadAt(code[:], headSize+body.Size()); n != macSize {
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	// One wrong password of 65,536 comes as far as this.
	if subtle.ConstantTimeCompare(k.mac.Sum(nil)[:macSize], code[:]) != 1 {
		return nil, ErrChanged
	}
	_, err = body.Seek(0, io.SeekStart)
	return k, err
}

// opener opens what it reads.
type opener struct {
	from io.Reader
	keys *keys
}

func (o opener) Read(p []byte) (int, error) {
	n, err := o.from.Read(p)
	o.keys.stream.XORKeyStream(p[:n], p[:n])
	return n, err
}
