// The Go module's half of `./run bench cedar`: answers the stores and requests that bench_cedar wrote to FOLDER
// and prints a line of JSON for each row. Times are CPU time of Authorize alone, on the calling thread: what
// collecting garbage costs on other threads is not counted.
//
//	cedar FOLDER [CORPUS]
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"unsafe"

	cedar "github.com/cedar-policy/cedar-go"
)

const clockThreadCPU = 3

func cpuSeconds() float64 {
	var now syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPU, uintptr(unsafe.Pointer(&now)), 0)
	return float64(now.Sec) + float64(now.Nsec)*1e-9
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

type store struct {
	Policies  string          `json:"policies"`
	Entities  cedar.EntityMap `json:"entities"`
	Context   cedar.Record    `json:"context"`
	Requests  [][5]string     `json:"requests"`
	Decisions string          `json:"decisions"`
}

type row struct {
	Kind      string  `json:"kind"`
	Name      string  `json:"name"`
	Policies  int     `json:"policies"`
	Decisions int     `json:"decisions"`
	Disagree  int     `json:"disagree"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	LoadS     float64 `json:"load_s"`
	samples   []float64
}

func uid(kind, id string) cedar.EntityUID {
	return cedar.NewEntityUID(cedar.EntityType(kind), cedar.String(id))
}

// Every decision is linear in the policies: few of them are enough where each takes long.
func effort(policies int) (repeats, most int) {
	switch {
	case policies < 100:
		return 4, 1 << 30
	case policies <= 1000:
		return 1, 1 << 30
	case policies <= 10000:
		return 1, 100
	}
	return 1, 20
}

func (r *row) answer(given store) {
	start := cpuSeconds()
	policies := must(cedar.NewPolicySetFromBytes("", []byte(given.Policies)))
	r.LoadS = cpuSeconds() - start
	r.Policies = len(policies.Map())
	repeats, most := effort(r.Policies)
	for i, parts := range given.Requests {
		if i >= most {
			break
		}
		request := cedar.Request{Principal: uid(parts[0], parts[1]), Action: uid("Action", parts[2]),
			Resource: uid(parts[3], parts[4]), Context: given.Context}
		var decision cedar.Decision
		start := cpuSeconds()
		for range repeats {
			decision, _ = cedar.Authorize(policies, given.Entities, request)
		}
		r.samples = append(r.samples, 1e6*(cpuSeconds()-start)/float64(repeats))
		if (decision == cedar.Allow) != (given.Decisions[i] == 'a') {
			r.Disagree++
		}
	}
}

func answerFile(path string) {
	file := must(os.Open(path))
	defer file.Close()
	name := strings.TrimSuffix(filepath.Base(path), ".jsonl")
	r := row{Kind: "application", Name: name}
	if strings.HasPrefix(name, "scale-") {
		r.Kind = "scale"
	}
	decoder := json.NewDecoder(bufio.NewReader(file))
	for decoder.More() {
		var given store
		if err := decoder.Decode(&given); err != nil {
			panic(err)
		}
		r.answer(given)
	}
	sort.Float64s(r.samples)
	last := float64(len(r.samples) - 1)
	r.P50, r.P99, r.Decisions = r.samples[int(0.5*last)], r.samples[int(0.99*last)], len(r.samples)
	fmt.Println(string(must(json.Marshal(r))))
}

type corpusCase struct {
	Requests []struct {
		Principal cedar.EntityUID `json:"principal"`
		Action    cedar.EntityUID `json:"action"`
		Resource  cedar.EntityUID `json:"resource"`
		Context   cedar.Record    `json:"context"`
		Decision  cedar.Decision  `json:"decision"`
	} `json:"requests"`
}

type corpusRow struct {
	Kind     string  `json:"kind"`
	Name     string  `json:"name"`
	Cases    int     `json:"cases"`
	Requests int     `json:"requests"`
	Disagree int     `json:"disagree"`
	Refused  int     `json:"refused"`
	ReadS    float64 `json:"read_s"`
	DecideS  float64 `json:"decide_s"`
}

func (r *corpusRow) answer(base string) {
	policyText := must(os.ReadFile(base + ".cedar"))
	entityText := must(os.ReadFile(base + ".entities.json"))
	var test corpusCase
	if err := json.Unmarshal(must(os.ReadFile(base+".json")), &test); err != nil {
		panic(err)
	}
	r.Cases++
	start := cpuSeconds()
	policies, err := cedar.NewPolicySetFromBytes("", policyText)
	var entities cedar.EntityMap
	if err == nil {
		err = json.Unmarshal(entityText, &entities)
	}
	r.ReadS += cpuSeconds() - start
	if err != nil {
		r.Refused++
		return
	}
	decided := make([]cedar.Decision, 0, len(test.Requests))
	start = cpuSeconds()
	for _, given := range test.Requests {
		decision, _ := cedar.Authorize(policies, entities, cedar.Request{Principal: given.Principal,
			Action: given.Action, Resource: given.Resource, Context: given.Context})
		decided = append(decided, decision)
	}
	r.DecideS += cpuSeconds() - start
	r.Requests += len(decided)
	for i, given := range test.Requests {
		if decided[i] != given.Decision {
			r.Disagree++
		}
	}
}

func main() {
	runtime.LockOSThread()
	paths := must(filepath.Glob(filepath.Join(os.Args[1], "*.jsonl")))
	for _, path := range paths {
		answerFile(path)
	}
	if len(os.Args) > 2 {
		r := corpusRow{Kind: "corpus", Name: "corpus"}
		for _, path := range must(filepath.Glob(filepath.Join(os.Args[2], "*.cedar"))) {
			r.answer(strings.TrimSuffix(path, ".cedar"))
		}
		fmt.Println(string(must(json.Marshal(r))))
	}
}
