-- Asks the watch to end the application's hold and give its DAGs back.
local os = require("os")

if type(obj.metadata.annotations) ~= "table" then
  obj.metadata.annotations = {}
end
-- Two presses within a second differ in the object's version.
local id = tostring(os.time()) .. "-" .. tostring(obj.metadata.resourceVersion or "0")
obj.metadata.annotations["fermata.dev/request-release"] = id
return obj
