// The reference code of transparency logs, golang.org/x/mod/sumdb, asked about a log of ours: see transparency_log.rs.
//
// Each line of the standard input is a question: a verb, the log's folder, its verifier key, and what the verb needs. Each is answered with one line,
// "ok ..." or "refused: ...".
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := answer(strings.Fields(lines.Text()))
		if err != nil {
			answer = "refused: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(answer)
	}
}

func answer(words []string) (string, error) {
	if len(words) < 3 {
		return "", errors.New("not a question")
	}
	folder, vkey := words[1], words[2]
	switch words[0] {
	case "entries":
		tree, _, err := open(folder, vkey)
		if err != nil {
			return "", err
		}
		return "ok", entries(folder, tree)
	case "inclusion":
		tree, _, err := open(folder, vkey)
		if err != nil {
			return "", err
		}
		index, err := strconv.ParseInt(words[3], 10, 64)
		if err != nil {
			return "", err
		}
		return "ok", inclusion(folder, tree, index)
	case "consistency":
		tree, _, err := open(folder, vkey)
		if err != nil {
			return "", err
		}
		old, err := strconv.ParseInt(words[3], 10, 64)
		if err != nil {
			return "", err
		}
		return consistency(folder, tree, old)
	case "signatures":
		// Who signed: those that are known, and how many lines of others were passed over.
		_, opened, err := open(folder, vkey, words[3:]...)
		if err != nil {
			return "", err
		}
		known := []string{}
		for _, signature := range opened.Sigs {
			known = append(known, signature.Name)
		}
		return fmt.Sprintf("ok %s %d", strings.Join(known, ","), len(opened.UnverifiedSigs)), nil
	}
	return "", errors.New("no such question")
}

// open verifies the checkpoint of a folder.
func open(folder, vkey string, witnesses ...string) (tlog.Tree, *note.Note, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	verifiers := []note.Verifier{log}
	for _, vkey := range witnesses {
		witness, err := newCosignature(vkey)
		if err != nil {
			return tlog.Tree{}, nil, err
		}
		verifiers = append(verifiers, witness)
	}
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != log.Name() {
		return tlog.Tree{}, nil, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, opened, err
}

// entries hashes every entry of every bundle and holds it against the tiles, which the reference code holds against the root.
func entries(folder string, tree tlog.Tree) error {
	hashes := tlog.TileHashReader(tree, tiles{folder})
	for start := int64(0); start < tree.N; start += 256 {
		count := min(tree.N-start, 256)
		bundle, err := read(folder, "entries/"+index(start/256), count)
		if err != nil {
			return err
		}
		indexes := make([]int64, count)
		leaves := make([]tlog.Hash, count)
		for i := range indexes {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("the bundle ends within entry %d", start+int64(i))
			}
			length := int(binary.BigEndian.Uint16(bundle))
			leaves[i] = tlog.RecordHash(bundle[2 : 2+length])
			indexes[i] = tlog.StoredHashIndex(0, start+int64(i))
			bundle = bundle[2+length:]
		}
		stored, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			if leaf != stored[i] {
				return fmt.Errorf("entry %d is not what was logged", start+int64(i))
			}
		}
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err == nil && root != tree.Hash {
		err = errors.New("another root")
	}
	return err
}

func inclusion(folder string, tree tlog.Tree, number int64) error {
	hashes := tlog.TileHashReader(tree, tiles{folder})
	proof, err := tlog.ProveRecord(tree.N, number, hashes)
	if err != nil {
		return err
	}
	bundle, err := read(folder, "entries/"+index(number/256), min(tree.N-number/256*256, 256))
	if err != nil {
		return err
	}
	for i := int64(0); i < number%256; i++ {
		bundle = bundle[2+binary.BigEndian.Uint16(bundle):]
	}
	leaf := tlog.RecordHash(bundle[2 : 2+binary.BigEndian.Uint16(bundle)])
	return tlog.CheckRecord(proof, tree.N, tree.Hash, number, leaf)
}

// consistency answers with the root of the smaller tree, for whoever holds a checkpoint of it.
func consistency(folder string, tree tlog.Tree, old int64) (string, error) {
	hashes := tlog.TileHashReader(tree, tiles{folder})
	root, err := tlog.TreeHash(old, hashes)
	if err != nil {
		return "", err
	}
	proof, err := tlog.ProveTree(tree.N, old, hashes)
	if err != nil {
		return "", err
	}
	return "ok " + hex.EncodeToString(root[:]), tlog.CheckTree(proof, tree.N, tree.Hash, old, root)
}

// tiles reads a folder for the reference code, whose paths have the height of a tile in them.
type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		full, err := read(t.folder, strconv.Itoa(tile.L)+"/"+index(tile.N), int64(tile.W))
		if err != nil {
			return nil, err
		}
		// A partial tile whose full one is there is its beginning.
		if length := tile.W * tlog.HashSize; len(full) > length {
			full = full[:length]
		}
		found[i] = full
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// read gives the partial file of this width, or the full one.
func read(folder, path string, width int64) ([]byte, error) {
	full := filepath.Join(folder, "tile", path)
	if width < 256 {
		content, err := os.ReadFile(full + ".p/" + strconv.FormatInt(width, 10))
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return content, err
		}
	}
	return os.ReadFile(full)
}

func index(n int64) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	return text
}

// cosignature verifies C2SP cosignature/v1, which the reference code does not know, in the place that it has for this.
type cosignature struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosignature(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("not a verifier key")
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	typed, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(typed) != 33 || typed[0] != 4 {
		return nil, errors.New("not a key of a witness")
	}
	return cosignature{parts[0], uint32(hash), ed25519.PublicKey(typed[1:])}, nil
}

func (c cosignature) Name() string { return c.name }

func (c cosignature) KeyHash() uint32 { return c.hash }

func (c cosignature) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, []byte(message), signature[8:])
}
