// Package spill sorts more records than fit into memory. What does not fit lies in a temporary
// file sealed with a random key that only this process holds, because chat text must never
// touch a disk in the clear (invariant I8). If the power goes, what is left is noise.
package spill
