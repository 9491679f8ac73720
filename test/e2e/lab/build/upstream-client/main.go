// Speaks the API with upstream's own generated code and gRPC's own Go client.
//
//	upstream-client fields                      every field: message, name, number, kind
//	upstream-client roundtrip                   events, JSON lines, through protobuf and back
//	upstream-client decode                      events, a line of base64 each, as JSON lines
//	upstream-client call ADDRESS METHOD JSON    the answer as JSON
//	upstream-client stream ADDRESS COUNT JSON   so many events as JSON lines
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cilium/tetragon/api/v1/tetragon"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const service = "tetragon.FineGuidanceSensors"

var marshal = protojson.MarshalOptions{UseProtoNames: true}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch args[0] {
	case "fields":
		return fields()
	case "roundtrip":
		return roundtrip()
	case "decode":
		return decode()
	case "call":
		return call(args[1], args[2], args[3])
	case "stream":
		count, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return stream(args[1], count, args[3])
	}
	return fmt.Errorf("no command %s", args[0])
}

func fields() error {
	var walk func(messages protoreflect.MessageDescriptors)
	walk = func(messages protoreflect.MessageDescriptors) {
		for i := 0; i < messages.Len(); i++ {
			message := messages.Get(i)
			for j := 0; j < message.Fields().Len(); j++ {
				field := message.Fields().Get(j)
				of := field.Kind().String()
				if field.Message() != nil && !field.IsMap() {
					of = string(field.Message().FullName())
				} else if field.Enum() != nil {
					of = string(field.Enum().FullName())
				}
				fmt.Println(message.FullName(), field.Name(), field.Number(), of, field.Cardinality())
			}
		}
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("tetragon", func(file protoreflect.FileDescriptor) bool {
		walk(file.Messages())
		for i := 0; i < file.Enums().Len(); i++ {
			values := file.Enums().Get(i).Values()
			for j := 0; j < values.Len(); j++ {
				fmt.Println(file.Enums().Get(i).FullName(), values.Get(j).Name(), values.Get(j).Number())
			}
		}
		for i := 0; i < file.Services().Len(); i++ {
			methods := file.Services().Get(i).Methods()
			for j := 0; j < methods.Len(); j++ {
				method := methods.Get(j)
				fmt.Println(method.FullName(), method.Input().FullName(), method.Output().FullName(), method.IsStreamingServer())
			}
		}
		return true
	})
	return nil
}

func roundtrip() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event, again tetragon.GetEventsResponse
		if err := protojson.Unmarshal(lines.Bytes(), &event); err != nil {
			return err
		}
		bytes, err := proto.Marshal(&event)
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(bytes, &again); err != nil {
			return err
		}
		line, err := marshal.Marshal(&again)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return lines.Err()
}

func decode() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		bytes, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			return err
		}
		var event tetragon.GetEventsResponse
		if err := proto.Unmarshal(bytes, &event); err != nil {
			return err
		}
		line, err := marshal.Marshal(&event)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return lines.Err()
}

func connect(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func call(address, name, request string) error {
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(service)
	if err != nil {
		return err
	}
	method := descriptor.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(name))
	input, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		return err
	}
	output, err := protoregistry.GlobalTypes.FindMessageByName(method.Output().FullName())
	if err != nil {
		return err
	}
	in, out := input.New().Interface(), output.New().Interface()
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		return err
	}
	conn, err := connect(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := conn.Invoke(ctx, "/"+service+"/"+name, in, out); err != nil {
		return err
	}
	line, err := marshal.Marshal(out)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

func stream(address string, count int, request string) error {
	var in tetragon.GetEventsRequest
	if err := protojson.Unmarshal([]byte(request), &in); err != nil {
		return err
	}
	conn, err := connect(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	events, err := tetragon.NewFineGuidanceSensorsClient(conn).GetEvents(context.Background(), &in)
	if err != nil {
		return err
	}
	for i := 0; i < count; i++ {
		event, err := events.Recv()
		if err != nil {
			return err
		}
		line, err := marshal.Marshal(event)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}
