/** What a bundler's file loader gives for the network's file: its address, to be passed on as `weights`. */
declare const url: string;
export default url;
