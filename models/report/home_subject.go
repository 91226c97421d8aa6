package report

import "qingdang/models/subject"

// subjects remind legal of the customers who asked for deletion and wait for the answer, and of what somebody took out
// of the bin again although such a request had put it there.
func (q *asking) subjects() error {
	rows, err := subject.ToDo(q.tx, q.by, mostOfKind)
	for i := range rows {
		r := &rows[i]
		if r.Over || r.Soon {
			t := Todo{Kind: TodoSubject, ID: uint64(r.ID), Code: r.Code, Count: r.Size, Since: r.ReceivedAt, Until: r.AnswerBy}
			if r.Over {
				t.State = "late"
			}
			q.home.Todo = append(q.home.Todo, t)
		}
		if r.Parts.Restored > 0 {
			q.home.Todo = append(q.home.Todo, Todo{Kind: TodoSealed, ID: uint64(r.ID), Code: r.Code, Count: r.Parts.Restored})
		}
	}
	return err
}
