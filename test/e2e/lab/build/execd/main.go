// Command execd runs commands for the lab's host: it listens on one TCP address in the lab's
// private network and gives whoever connects a root shell's power. Never run it elsewhere.
//
// A connection is one command: a JSON line with the request, then standard input as chunks, each
// a big-endian uint32 length and as many bytes, length 0 at its end. Frames come back: type byte
// (1 stdout, 2 stderr, 3 exit), big-endian uint32 length, payload. The exit payload is the code in
// decimal. A client that closes the connection before that kills the command.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type request struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	Cwd  string   `json:"cwd"`
}

type frames struct {
	sync.Mutex
	conn net.Conn
}

func (f *frames) send(kind byte, payload []byte) error {
	f.Lock()
	defer f.Unlock()
	head := [5]byte{kind}
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	if _, err := f.conn.Write(head[:]); err != nil {
		return err
	}
	_, err := f.conn.Write(payload)
	return err
}

func (f *frames) exit(code int) {
	f.send(3, []byte(strconv.Itoa(code)))
}

type stream struct {
	kind   byte
	frames *frames
}

func (s stream) Write(payload []byte) (int, error) {
	return len(payload), s.frames.send(s.kind, payload)
}

func serve(conn net.Conn) {
	defer conn.Close()
	out := &frames{conn: conn}
	in := bufio.NewReader(conn)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return
	}
	var req request
	if err := json.Unmarshal(line, &req); err != nil || len(req.Argv) == 0 {
		out.send(2, []byte("execd: bad request\n"))
		out.exit(125)
		return
	}
	run(req, in, out)
}

func run(req request, in io.Reader, out *frames) {
	cmd := exec.Command(req.Argv[0], req.Argv[1:]...)
	cmd.Env = append(os.Environ(), req.Env...)
	cmd.Dir = req.Cwd
	cmd.Stdout, cmd.Stderr = stream{1, out}, stream{2, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second // a daemon left behind holds the output open; do not wait for it
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		out.send(2, []byte("execd: "+err.Error()+"\n"))
		out.exit(127)
		return
	}
	var ended atomic.Bool
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		feed(stdin, in)
		if !ended.Load() {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}()
	cmd.Wait()
	ended.Store(true)
	code := cmd.ProcessState.ExitCode()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		code = 128 + int(status.Signal())
	}
	out.exit(code)
	select { // closing before the client's input is read would reset the connection
	case <-gone:
	case <-time.After(10 * time.Second):
	}
}

// feed passes the chunks on, and returns when the client closes the connection.
func feed(stdin io.WriteCloser, in io.Reader) {
	for {
		var size uint32
		if binary.Read(in, binary.BigEndian, &size) != nil {
			return
		}
		if size == 0 {
			stdin.Close()
			continue
		}
		taken, _ := io.CopyN(stdin, in, int64(size))
		io.CopyN(io.Discard, in, int64(size)-taken) // the command ended without reading it
	}
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}
