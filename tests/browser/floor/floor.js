import init from "./floor/relaykeep_floor.js";
init();
