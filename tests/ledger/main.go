// Judges a log that Keyturn wrote, with code that Keyturn has no part in:
//
//	referee DIR VKEY [INDEX RECEIPT]
//
// golang.org/x/mod/sumdb checks the signature, every entry against the tree, inclusion and
// consistency proofs, and the receipt; transparency-dev/tessera derives every tile again. Each check
// prints a line; the exit code is 1 when one fails.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Tiles by the names of c2sp.org/tlog-tiles, for a library that knows those of the Go sum database.
type tiles struct{ root string }

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) read(tile tlog.Tile) ([]byte, error) {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	path = strings.Replace(path, "data/", "entries/", 1)
	return os.ReadFile(filepath.Join(t.root, "tile", path))
}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := t.read(tile)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func checkpoint(text []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("the checkpoint's text is %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

func readTree(root, vkey string) (tlog.Tree, error) {
	text, err := os.ReadFile(filepath.Join(root, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	return checkpoint(text, vkey)
}

func entries(t tiles, tree tlog.Tree, number int64) ([][]byte, error) {
	width := min(int64(256), tree.N-number*256)
	data, err := t.read(tlog.Tile{H: 8, L: -1, N: number, W: int(width)})
	if err != nil {
		return nil, err
	}
	bundle := &api.EntryBundle{}
	if err := bundle.UnmarshalText(data); err != nil {
		return nil, err
	}
	if int64(len(bundle.Entries)) != width {
		return nil, fmt.Errorf("bundle %d has %d entries, not %d", number, len(bundle.Entries), width)
	}
	return bundle.Entries, nil
}

func checkEntries(root string, tree tlog.Tree) error {
	t := tiles{root}
	reader := tlog.TileHashReader(tree, t)
	for number := int64(0); number*256 < tree.N; number++ {
		found, err := entries(t, tree, number)
		if err != nil {
			return err
		}
		indexes := make([]int64, len(found))
		for i := range found {
			indexes[i] = tlog.StoredHashIndex(0, number*256+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range found {
			if tlog.RecordHash(entry) != hashes[i] {
				return fmt.Errorf("entry %d is not what the tree says", number*256+int64(i))
			}
			place := fmt.Sprintf(`"index":%d,"kind":`, number*256+int64(i))
			if !bytes.Contains(entry, []byte(place)) {
				return fmt.Errorf("entry %d says another index", number*256+int64(i))
			}
		}
	}
	return nil
}

func checkProofs(root string, tree tlog.Tree) error {
	reader := tlog.TileHashReader(tree, tiles{root})
	random := rand.New(rand.NewSource(5))
	for range 200 {
		index := random.Int63n(tree.N)
		found, err := entries(tiles{root}, tree, index/256)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(found[index%256])
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return fmt.Errorf("inclusion of %d: %w", index, err)
		}
		older := 1 + random.Int63n(tree.N)
		olderHash, err := tlog.TreeHash(older, reader)
		if err != nil {
			return err
		}
		since, err := tlog.ProveTree(tree.N, older, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(since, tree.N, tree.Hash, older, olderHash); err != nil {
			return fmt.Errorf("consistency from %d: %w", older, err)
		}
	}
	return nil
}

// c2sp.org/tlog-proof, read by hand: there is no library for it.
func checkReceipt(file, vkey string, index int64) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" ||
		lines[2] != fmt.Sprintf("index %d", index) {
		return fmt.Errorf("the receipt begins with %q", head)
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := checkpoint([]byte(signed), vkey)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func leafHashes(bundle []byte) ([][]byte, error) {
	read := &api.EntryBundle{}
	if err := read.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range read.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

func tesseraFsck(root, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	source := &client.FileFetcher{Root: root}
	return fsck.New(verifier.Name(), verifier, source, leafHashes, fsck.Opts{N: 2}).
		Check(context.Background())
}

func main() {
	slog.SetLogLoggerLevel(slog.LevelError)
	if len(os.Args) != 3 && len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: referee DIR VKEY [INDEX RECEIPT]")
		os.Exit(2)
	}
	root, vkey := os.Args[1], os.Args[2]
	failed := false
	judge := func(name string, err error) {
		if err != nil {
			failed = true
			fmt.Printf("failed: %s: %v\n", name, err)
			return
		}
		fmt.Printf("passed: %s\n", name)
	}
	tree, err := readTree(root, vkey)
	judge("x/mod opens the checkpoint", err)
	if err == nil {
		judge(fmt.Sprintf("x/mod finds each of %d entries in the tree", tree.N),
			checkEntries(root, tree))
		judge("x/mod verifies 200 inclusion and 200 consistency proofs", checkProofs(root, tree))
	}
	judge("tessera fsck derives every tile", tesseraFsck(root, vkey))
	if len(os.Args) == 5 {
		index, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err == nil {
			err = checkReceipt(os.Args[4], vkey, index)
		}
		judge("x/mod verifies the receipt", err)
	}
	if failed {
		os.Exit(1)
	}
}
