"""The Pro's side: gate, runner, queue, engine, jobs."""
