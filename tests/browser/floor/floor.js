import init from "./wasm/floor.js";
init();
