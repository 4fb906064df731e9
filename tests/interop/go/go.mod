module comet/interop

go 1.21
