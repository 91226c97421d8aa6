// Package format reads what other chat tools export and hands on whole conversations.
//
// It owns the counting rules: what is a message, a duplicate, an event, a rejected record and a
// recalled message, and which file cannot be read at all. The rules are the thirteen of
// data/formats/README.md ("Counting rules", shared project data); comments here name them by
// number. The package knows no database and no person; models/intake stores what it finds.
//
// A file may be larger than memory and may mix its conversations. Readers therefore emit
// fragments, which package spill sorts on a sealed temporary file, and conversations leave at
// the end, ordered by their first message. A file that turns out to be unreadable half-way has
// handed on nothing.
package format
