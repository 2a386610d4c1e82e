// Package search finds entities by what a person types: words that may be unfinished or misspelt, and filters. It is an
// index in memory over the texts of entities; what belongs to a revision of the catalog is the caller's business.
//
// # What fits
//
// Texts are split into words wherever a character is neither letter nor digit, where a small letter meets a capital one,
// and between letters and digits. What stands between separators counts as one word besides ("oauth2"), and so do a whole
// name and a whole title ("paymentgateway" is payment-gateway). Case and accents do not count.
//
// A word that is typed fits an equal word; the last one also fits words that begin with it. Either may be misspelt. Edits
// are insertions, deletions, substitutions and transpositions of neighbours. Between whole words, one is tolerated where
// the longer has 4 characters, two where it has 8; in the beginning of a longer word, one where 4 characters were typed,
// two where 8 were. Names and titles, and all that was typed, count with their separators when they are taken as one word.
// A number that is misspelt is another number: words of digits alone must be equal.
//
// What is typed is read in up to three ways: split into all its words, split at separators only, and joined into one
// word, which is only taken for misspelt where it fits a whole name. An entity fits if any reading does, and a reading fits if each of its words does, wherever. Where no entity fits
// so, those fit that have the most of the words, of the first reading. A whole Ref fits its entity.
//
// # Rank
//
// Each word counts by its best fit, and the entity with the least sum comes first: 0 for the whole name, 1 for a word of
// the name, 2 for the beginning of the name and 3 for that of a word of it; then 4 and 5 for a word of a title and for the
// beginning of one, 6 and 7 of an alias, 8 and 9 of a tag, 10 and 11 of the description; and 8 more for each edit. Equal
// ones are ordered by described before only referred to, the more critical tier, more dependents, and the Ref.
package search

import (
	"cmp"
	"math"

	"github.com/orrery-catalog/orrery/catalog"
)

// Limits of what is looked at. What is beyond them is left out.
const (
	maxText     = 4096 // bytes of what is typed
	maxWords    = 8    // of what is typed, besides filters
	maxWord     = 64   // characters of one word, typed or found
	maxFound    = 2048 // bytes of one text of an entity
	maxFindable = 1000 // different words of one entity
)

// Document is an entity as it is searched.
type Document struct {
	Entity     *catalog.Entity
	Dependents int // how many entities depend on it
}

// Field is a part of an entity that can fit.
type Field uint8

// The fields, the weightiest first.
const (
	Name Field = iota
	Title
	Alias
	Tag
	Description
)

// Position is the place of an entity in the order of an answer: its score, then its Ref. It keeps its meaning when the
// catalog changes.
type Position struct {
	_        struct{} `cbor:",toarray"`
	Score    uint32   // how well the entity fits; less is better
	Standing uint64   // how much the entity counts; less is more
	Ref      catalog.Ref
}

func (p Position) compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Score, other.Score), cmp.Compare(p.Standing, other.Standing), cmp.Compare(p.Ref, other.Ref))
}

// standing orders entities that fit equally well: described ones, then by tier, then by dependents.
func (d *Document) standing() uint64 {
	standing := uint64(math.MaxUint32 - min(uint32(max(d.Dependents, 0)), math.MaxUint32))
	tier := d.Entity.Tier()
	if tier == 0 {
		tier = 5 // behind the last
	}
	standing |= uint64(tier) << 32
	if d.Entity.Placeholder {
		standing |= 1 << 35
	}
	return standing
}

// place is where a word was found. Within a field an entity is found by the least place.
type place uint8

const (
	wholeName place = iota
	inName
	inTitle
	inAlias
	inTag
	inDescription
)

func (p place) field() Field { return Field(max(p, inName) - inName) }

// grade says how good a fit without edits is, from 0: a word that is there, or the beginning of one.
func (p place) grade(beginning bool) uint8 {
	switch {
	case p <= inName && beginning:
		return uint8(p) + 2
	case p <= inName:
		return uint8(p)
	case beginning:
		return 2*uint8(p) + 1
	}
	return 2 * uint8(p)
}

// fit is how well one word fits, less is better: its edits and its grade, added.
type fit uint8

const (
	noFit fit = math.MaxUint8
	// An edit weighs so many grades: a name with one is behind tags, and before descriptions that have the word.
	editWeight = 8
)

func fitOf(edits uint8, p place, beginning bool) fit {
	return fit(edits*editWeight + p.grade(beginning))
}

// fit is that of what was typed with a word at a place.
func (w *typed) fit(edits uint8, p place, beginning bool) fit {
	if w.joined && edits > 0 && p != wholeName {
		return noFit
	}
	return fitOf(edits, p, beginning)
}

// score is how well an entity fits, less is better: how many words do not fit at all, then the sum of the fits of the others
// in 16 bits.
type score uint32

const noScore score = math.MaxUint32

func (s score) missing() int { return int(s >> 16) }
