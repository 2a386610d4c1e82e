package neo4jstore

// The bounds of a page: as many rows as have about pageBytes, going by the page before.
const (
	firstPage = 200
	largePage = 2000
	pageBytes = 2 << 20
	// pageLimit is where a page ends whose rows are much larger than those before.
	pageLimit = 4 * pageBytes
)

// pages reads versions in the order of their id, a page a transaction.
type pages struct {
	kind      kind
	statement string // with $revision, $after, the last id before, and $limit; it returns id, whole and data
	after     string
	limit     int
	cut       bool // the last page ended before its limit
	done      bool
}

func newPages(k kind, statement string) *pages {
	return &pages{kind: k, statement: statement, limit: firstPage}
}

// next reads the page that comes next, and reads it again until advance is called.
func (p *pages) next(tx *transaction, revision int64) ([]row, error) {
	var rows []row
	bytes := 0
	p.cut = false
	for record, err := range tx.stream(p.statement, map[string]any{"revision": revision, "after": p.after, "limit": int64(p.limit)}) {
		if err != nil {
			return nil, err
		}
		r := reader{record: record}
		one := row{kind: p.kind, id: r.text("id"), whole: r.text("whole"), data: r.bytes("data")}
		if r.err != nil {
			return nil, r.err
		}
		rows = append(rows, one)
		if bytes += one.size(); bytes > pageLimit {
			p.cut = true
			break
		}
	}
	return rows, nil
}

// advance goes on behind the rows, which are the page that was read last.
func (p *pages) advance(rows []row) {
	p.done = !p.cut && len(rows) < p.limit
	if len(rows) == 0 {
		return
	}
	bytes := 0
	for _, r := range rows {
		bytes += r.size()
	}
	p.after = rows[len(rows)-1].id
	p.limit = pageOf(len(rows), bytes)
}

// pageOf is how many rows the next page has, by those of the last one.
func pageOf(rows, bytes int) int {
	return min(max(pageBytes/(bytes/max(rows, 1)+1), 10), largePage)
}
