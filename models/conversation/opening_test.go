package conversation

import (
	"database/sql"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm/schema"
)

// The columns are written out for speed. One that is forgotten, or in another place than its field, would show
// a wrong row or none.
func TestTheColumnsOfASearchAreThoseOfAConversation(t *testing.T) {
	s, err := schema.Parse(&Conversation{}, &sync.Map{}, schema.NamingStrategy{SingularTable: true})
	if err != nil {
		t.Fatal(err)
	}
	var c Conversation
	names, places := strings.Split(columns, ", "), c.fields()
	if len(names) != len(s.DBNames) || len(places) != len(names) {
		t.Fatalf("%d columns and %d places of %d", len(names), len(places), len(s.DBNames))
	}
	for i, n := range names {
		f := s.FieldsByDBName[strings.TrimPrefix(n, "c.")]
		if f == nil {
			t.Errorf("no column %s", n)
			continue
		}
		field := reflect.ValueOf(&c).Elem().FieldByName(f.Name)
		read := places[i] == field.Addr().Interface()
		if number, ok := places[i].(sql.Scanner); ok {
			c = Conversation{}
			read = number.Scan(int64(7)) == nil && !field.IsZero()
		}
		if !read {
			t.Errorf("%s is not read into %s", n, f.Name)
		}
	}
}
