// What transparency-dev's code (github.com/transparency-dev/formats) says of checkpoints that our witnesses cosigned, one question a line:
//
//	satisfied <file of a note> <vkey of the log> <file of a policy>   whether the log signed the note, and the policy is satisfied
//	cosigned <file of a note> <vkey of the log> <vkey of a witness>   the size, and the time of the cosignature
//	cosign <file of a note> <skey of a witness>                       the signature line of that witness, made here
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := answered(strings.Fields(lines.Text()))
		if err != nil {
			answer = "no: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Println(answer)
	}
}

func answered(question []string) (string, error) {
	if len(question) == 2 && question[0] == "key" {
		skey, vkey, err := note.GenerateKey(rand.Reader, question[1])
		if err != nil {
			return "", err
		}
		vkey, err = f_note.VKeyToCosignatureV1(vkey)
		return skey + " " + vkey, err
	}
	text, err := os.ReadFile(question[1])
	if err != nil {
		return "", err
	}
	if question[0] == "cosign" {
		return cosign(text, question[2])
	}
	log, err := note.NewVerifier(question[2])
	if err != nil {
		return "", err
	}
	if question[0] == "satisfied" {
		return satisfied(text, log, question[3])
	}
	verifier, err := f_note.NewVerifierForCosignatureV1(question[3])
	if err != nil {
		return "", err
	}
	checkpoint, _, opened, err := f_log.ParseCheckpoint(text, log.Name(), log, verifier)
	if err != nil {
		return "", err
	}
	for _, signature := range opened.Sigs {
		if signature.Hash == verifier.KeyHash() {
			at, err := f_note.CoSigV1Timestamp(signature)
			return fmt.Sprintf("%d %d", checkpoint.Size, at.Unix()), err
		}
	}
	return "", fmt.Errorf("not cosigned")
}

func satisfied(text []byte, log note.Verifier, file string) (string, error) {
	if _, _, _, err := f_log.ParseCheckpoint(text, log.Name(), log); err != nil {
		return "", err
	}
	policy, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	group, err := witness.ParsePolicy(policy)
	if err != nil {
		return "", err
	}
	if !group.Satisfied(text) {
		return "", fmt.Errorf("not satisfied")
	}
	return "satisfied", nil
}

func cosign(text []byte, skey string) (string, error) {
	signer, err := f_note.NewSignerForCosignatureV1(skey)
	if err != nil {
		return "", err
	}
	body, _, _ := strings.Cut(string(text), "\n\n")
	signed, err := note.Sign(&note.Note{Text: body + "\n"}, signer)
	if err != nil {
		return "", err
	}
	_, line, _ := strings.Cut(string(signed), "\n\n")
	return strings.TrimSpace(line), nil
}
