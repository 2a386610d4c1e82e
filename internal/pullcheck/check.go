package pullcheck

import "context"

func (c *Checker) run(ctx context.Context, j *job) {}
