package graph

import (
	"hash/maphash"
	"maps"

	"github.com/orrery-catalog/orrery/catalog"
)

// refMap finds nodes by Ref. Snapshots share it: a change copies the one small map of thousands that the Ref is in.
type refMap struct {
	seed   maphash.Seed
	count  int
	room   int // of Refs in a shard that is made
	tables [refTables]*refTable
}

const refTables = 32

type refTable struct {
	edition *edition
	shards  [refTables]refShard
}

type refShard struct {
	edition *edition
	nodes   map[catalog.Ref]node
}

func newRefMap() refMap { return refMap{seed: maphash.MakeSeed()} }

// find is the node of a Ref, or -1.
func (m *refMap) find(ref catalog.Ref) node {
	if m.count == 0 {
		return -1
	}
	hash := maphash.String(m.seed, string(ref))
	if table := m.tables[hash%refTables]; table != nil {
		if a, ok := table.shards[hash/refTables%refTables].nodes[ref]; ok {
			return a
		}
	}
	return -1
}

// set gives a Ref that has none its node.
func (m *refMap) set(e *edition, ref catalog.Ref, a node) {
	m.shard(e, ref)[ref] = a
	m.count++
}

// remove takes away a Ref that has a node.
func (m *refMap) remove(e *edition, ref catalog.Ref) {
	delete(m.shard(e, ref), ref)
	m.count--
}

// expect makes room for many Refs, where there are none yet; 0 ends that.
func (m *refMap) expect(count int) { m.room = count / (refTables * refTables) }

// shard is the map of a Ref for an edit to change.
func (m *refMap) shard(e *edition, ref catalog.Ref) map[catalog.Ref]node {
	hash := maphash.String(m.seed, string(ref))
	table := &m.tables[hash%refTables]
	switch {
	case *table == nil:
		*table = &refTable{edition: e}
	case (*table).edition != e:
		made := **table
		made.edition = e
		*table = &made
	}
	shard := &(*table).shards[hash/refTables%refTables]
	switch {
	case shard.nodes == nil:
		*shard = refShard{e, make(map[catalog.Ref]node, m.room)}
	case shard.edition != e:
		*shard = refShard{e, maps.Clone(shard.nodes)}
	}
	return shard.nodes
}
