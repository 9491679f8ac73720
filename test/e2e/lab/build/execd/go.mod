module guardbee.lab/execd

go 1.26
