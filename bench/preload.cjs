// Runs the code that bench/start.ts gives, before the program.
new Function("require", process.env.GROUNDLING_PRELOAD)(require);
