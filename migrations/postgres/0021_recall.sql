-- A recall asks for the vendor's ids of the requests a chunk went out with. Only of vendors that withdraw by such an id (Getui 10,
-- JPush 11): everybody else's requests pay nothing for it.
CREATE INDEX chunk_reference_of ON chunk_reference (chunk_no) WHERE vendor IN (10, 11);
