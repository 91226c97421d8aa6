package bench

import (
	"fmt"

	"qingdang/models/db"
	"qingdang/models/department"
	"qingdang/models/id"
)

// rootName is the organisation whose departments Fill makes.
const rootName = "云栖优品集团"

// place is a department with its share of the conversations.
type place struct {
	id     id.Department
	weight float64
}

// organisation makes the departments, parents first. Weights add up to 1. Most talk is in the
// teams; the root has as little as one of them.
func organisation(tx *db.Tx, s Shape) ([]place, error) {
	tree, err := department.Load(tx)
	if err != nil {
		return nil, fmt.Errorf("load departments: %w", err)
	}
	var places []place
	add := func(path string, weight float64) error {
		dep, _, err := department.Ensure(tx, tree, path)
		places = append(places, place{id: dep.ID, weight: weight})
		return err
	}
	if err := add(rootName, 1); err != nil {
		return nil, err
	}
	each := 1 + s.Departments*(1+s.Teams)
	big := 1.0
	if s.Divisions > 1 {
		big = 0.4 / 0.6 * float64(each*(s.Divisions-1)) / float64(each)
	}
	for i := range s.Divisions {
		weight := 1.0
		if i == 0 {
			weight = big
		}
		for _, path := range s.division(i) {
			if err := add(path, weight); err != nil {
				return nil, err
			}
		}
	}
	sum := 0.0
	for _, p := range places {
		sum += p.weight
	}
	for i := range places {
		places[i].weight /= sum
	}
	return places, nil
}

// division gives the paths of a division and of everything below it.
func (s Shape) division(i int) []string {
	top := divisionName(i)
	paths := []string{top}
	for d := range s.Departments {
		dep := fmt.Sprintf("%s/%d号分公司", top, d+1)
		paths = append(paths, dep)
		for t := range s.Teams {
			paths = append(paths, fmt.Sprintf("%s/%d组", dep, t+1))
		}
	}
	return paths
}

func divisionName(i int) string { return fmt.Sprintf("%s/第%d事业部", rootName, i+1) }
