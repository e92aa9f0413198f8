// Tessera's POSIX driver in its own process, as bench_ledger measures Keyturn: writers in a closed loop, each
// adding its next entry when it has the last one's index. A batch ends when every writer has an entry in it, which
// is the setting that suits the driver best here. Prints lines as bench_ledger does.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const (
	entryBytes = 512
	period     = 4 * time.Second
	batchAge   = 250 * time.Millisecond // its default
)

func measure(folder string, writers int) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	secret, _, err := note.GenerateKey(rand.Reader, "ledger.example/tessera")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: filepath.Join(folder, fmt.Sprint("tessera-", writers))})
	if err != nil {
		return err
	}
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(time.Second).
		WithBatching(uint(writers), batchAge))
	if err != nil {
		return err
	}
	begin := time.Now()
	latencies := make([][]time.Duration, writers)
	var group sync.WaitGroup
	for writer := range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			entry := make([]byte, entryBytes)
			for number := 0; time.Since(begin) < period; number++ {
				copy(entry, fmt.Sprintf("%d %d", writer, number))
				since := time.Now()
				if _, err := appender.Add(ctx, tessera.NewEntry(append([]byte(nil), entry...)))(); err != nil {
					log.Fatal(err)
				}
				latencies[writer] = append(latencies[writer], time.Since(since))
			}
		}()
	}
	group.Wait()
	took := time.Since(begin)
	var all []time.Duration
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) float64 {
		return all[int(share*float64(len(all)-1))].Seconds() * 1e3
	}
	fmt.Printf("append\ttessera\t%d\t%.0f\t%.3f\t%.3f\n", writers, float64(len(all))/took.Seconds(), at(0.5), at(0.99))
	return shutdown(ctx)
}

func main() {
	for _, writers := range []int{1, 8, 64, 512} {
		if err := measure(os.Args[1], writers); err != nil {
			log.Fatal(err)
		}
	}
}
