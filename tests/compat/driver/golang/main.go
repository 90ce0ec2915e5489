// The clients written in Go, in one program: its arguments are the client's name and the broker's address.
package main

import (
	"os"

	"kafkapy/compat/driver/golang/asks"
	"kafkapy/compat/franz_go"
	"kafkapy/compat/kafka_go"
	"kafkapy/compat/sarama"
)

func main() {
	bootstrap := os.Args[2]
	switch os.Args[1] {
	case "franz_go":
		asks.Serve(franz_go.New(bootstrap), franz_go.CodeOf)
	case "kafka_go":
		asks.Serve(kafka_go.New(bootstrap), kafka_go.CodeOf)
	case "sarama":
		asks.Serve(sarama.New(bootstrap), sarama.CodeOf)
	default:
		panic("no client " + os.Args[1])
	}
}
