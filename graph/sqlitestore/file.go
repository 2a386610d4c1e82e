package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
)

// ErrForeignFile says that the file is not one of ours. It was not touched.
var ErrForeignFile = errors.New("the file is not an Orrery store")

// applicationID stands in the header of every file of ours: "Orry" in ASCII.
const applicationID = 0x4f727279

type found int

const (
	nothing found = iota // no file, or an empty one
	ours
)

// inspect looks at the file's header by itself, because SQLite changes what it opens (it works in old logs, for one). The
// application id never changes, so that it is right even while others write the file.
func inspect(path string) (found, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nothing, nil
	case err != nil:
		return nothing, err
	case info.IsDir():
		return nothing, fmt.Errorf("%w: it is a folder; name a file in it", ErrForeignFile)
	case !info.Mode().IsRegular():
		return nothing, fmt.Errorf("%w: it is no regular file", ErrForeignFile)
	case info.Size() == 0:
		return nothing, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nothing, err
	}
	defer func() { _ = file.Close() }() // it was only read
	header := make([]byte, 100)         // https://www.sqlite.org/fileformat2.html#the_database_header
	if _, err := io.ReadFull(file, header); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nothing, err
	}
	switch {
	case !bytes.HasPrefix(header, []byte("SQLite format 3\x00")):
		return nothing, fmt.Errorf("%w: it is no SQLite database; name another path", ErrForeignFile)
	case binary.BigEndian.Uint32(header[68:]) != applicationID:
		return nothing, fmt.Errorf("%w: it is another program's SQLite database; name another path", ErrForeignFile)
	}
	return ours, nil
}

// create makes the file whole under another name and renames it into place. The caller holds the lock.
func create(ctx context.Context, path string, config Config) error {
	building := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	discard := func() error {
		var err error
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			if e := os.Remove(building + suffix); !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
		return err
	}
	if err := discard(); err != nil { // of a process that died here
		return err
	}
	mark := fmt.Sprintf("application_id = %d", applicationID)
	w := newWriter(dsn(building, "rwc"), append([]string{mark}, config.pragmas...))
	err := errors.Join(w.do(ctx, migrateTo(config)), w.close())
	if err == nil {
		err = os.Rename(building, path)
	}
	if err != nil {
		return errors.Join(err, discard())
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename in the folder survive a loss of power.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // folders cannot be opened there, and need not
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// resolve makes the path absolute and follows links, so that the lock is the same by whatever name the file is called.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("the folder of %s cannot be used: %w", path, err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// dsn is the URI of the file for SQLite. A path may hold any character.
func dsn(path, mode string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' { // C:/...
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String() + "?mode=" + mode + "&_pragma=busy_timeout(10000)"
}

// openPool opens connections for reading as they are needed.
func openPool(dsn string) *sql.DB {
	db := sql.OpenDB(connector(dsn + "&_pragma=query_only(1)"))
	db.SetMaxIdleConns(4)
	return db
}

// connector opens connections by the DSN it is.
type connector string

// Connect implements [driver.Connector].
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(string(c)) }

// Driver implements [driver.Connector].
func (connector) Driver() driver.Driver { return new(sqlite.Driver) }
